"""What the tests start a Ray cluster with: loopback only, a token, nothing reported."""

from __future__ import annotations

TOKEN = "0123456789abcdef" * 2
SETTINGS = {
    # By this name Ray keeps to the loopback address, on any system.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": TOKEN,
    # A bound, never awaited: a busy machine may take longer than Ray's half a minute to start it.
    "RAY_gcs_server_port_wait_time_s": "300",
}
