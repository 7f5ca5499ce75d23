"""Captures taken apart at their links: bytes of a meter's line in; where each telegram lies, and where in it its contents do, out.

Code of the tools' own, which shares nothing with the firmware's framing.
"""
