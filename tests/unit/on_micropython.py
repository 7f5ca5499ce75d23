"""Runs under MicroPython: module names as arguments, every `test_*` of each called; one line per failure and a count out."""

import sys


def run(name: str) -> tuple:
    module = __import__(name)
    passed, failed = 0, 0
    for entry in sorted(dir(module)):
        if not entry.startswith("test_"):
            continue
        try:
            getattr(module, entry)()
            passed += 1
        except Exception as error:
            failed += 1
            print("FAILED %s.%s" % (name, entry))
            sys.print_exception(error)
    return passed, failed


if __name__ == "__main__":
    total, bad = 0, 0
    for module_name in sys.argv[1:]:
        good, wrong = run(module_name)
        total += good + wrong
        bad += wrong
    print("%d tests, %d failed" % (total, bad))
    sys.exit(1 if bad or not total else 0)
