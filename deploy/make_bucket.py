"""Make the bucket that STORAGE_URL (or STORAGE_URL_FILE) names, where it is missing."""

import os
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import boto3  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]


def main() -> int:
    """Make the bucket once; any other refusal ends with the store's own words."""
    url = (
        os.environ.get("STORAGE_URL")
        or Path(os.environ["STORAGE_URL_FILE"]).read_text(encoding="utf-8").strip()
    )
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        print("STORAGE_URL names no bucket (s3://bucket?endpoint_url=...): nothing to make.", file=sys.stderr)
        return 1
    options = parse_qs(parts.query)
    client = boto3.client(
        "s3",
        endpoint_url=options.get("endpoint_url", [None])[0],
        region_name=options.get("region_name", ["us-east-1"])[0],
    )
    try:
        client.head_bucket(Bucket=parts.netloc)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:  # noqa: PLR2004, RUF100
            print(f"The store does not let us see the bucket {parts.netloc}: {error}", file=sys.stderr)
            return 1
        client.create_bucket(Bucket=parts.netloc)
    print(f"The bucket {parts.netloc} is there.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
