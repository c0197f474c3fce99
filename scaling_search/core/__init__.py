"""What every floor stands on: errors, hashes, files, TOML and statistics."""
