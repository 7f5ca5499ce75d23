"""Captures made fit to be shared: bytes of a meter in; telegrams with other ids, right checksums and the same numbers out."""
