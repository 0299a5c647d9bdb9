"""Exit 0 when the web server of this container answers 200: `python deploy/healthcheck.py /health/live`."""

import http.client
import sys


def main(path: str) -> int:
    """Ask once."""
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"The web server does not answer: {error}", file=sys.stderr)
        return 1
    print(f"{path} answered {status}", file=sys.stderr)
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
