"""The conversation of a driver with its test: one JSON command per line in, one JSON answer per line out."""

import asyncio
import json
import sys


async def _serve(driver, expected, describe) -> None:
    stdin = asyncio.StreamReader(sys.stdin)
    print(json.dumps({"ready": True}))
    while True:
        line = await stdin.readline()
        if not line:
            return
        command = json.loads(line)
        name = command.pop("do")
        try:
            answer = await getattr(driver, name)(**command)
        except expected as error:
            answer = {"error": describe(error), "type": type(error).__name__}
        answer["did"] = name
        print(json.dumps(answer))


def serve(make, expected=(), describe=str) -> None:
    """Runs methods of `make()` by their names until the input ends. Errors of the classes `expected` are answers: `describe(error)`."""

    async def main():
        await _serve(make(), expected, describe)

    asyncio.run(main())
