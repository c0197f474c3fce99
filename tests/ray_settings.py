"""What the tests start a Ray cluster with: loopback only, a token, nothing reported."""

from __future__ import annotations

TOKEN = "0123456789abcdef" * 2
SETTINGS = {
    # By this name Ray keeps to the loopback address, on any system.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": TOKEN,
    # Ray's own 15 leaves next to nothing to its workers beside the other tests.
    "RAY_worker_niceness": "0",
    # Settings of the environment rule out the workers that Ray would start ahead of any task.
    "RAY_prestart_worker_first_driver": "0",
    # A bound, never awaited: a busy machine may take longer than Ray's half a minute to start it.
    "RAY_gcs_server_port_wait_time_s": "300",
}
