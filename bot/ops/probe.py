"""`python -m bot.ops.probe`: asks the bot of this machine for /healthz. Exit status 0 if it is well, else 1 and why.

It is for container engines, and imports nothing of Parley: it runs every few seconds for as long as Parley does.
"""

import http.client
import os
import sys

DEFAULT_PORT = 3000
SECONDS = 4.0
# Where a server that listens on all addresses is reached from its own machine.
OWN_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def main() -> int:
    """HOST and PORT are those of the bot."""
    host = os.environ.get("HOST", "").strip()
    port = os.environ.get("PORT", "").strip()
    connection = http.client.HTTPConnection(
        OWN_ADDRESS.get(host, host), int(port) if port else DEFAULT_PORT, timeout=SECONDS
    )
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        said = answer.read(1_000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer: {type(error).__name__}")
        return 1
    finally:
        connection.close()
    print(said)
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
