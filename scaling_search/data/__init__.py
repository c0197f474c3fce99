"""From image files to batches on the device: requests, splits, caches and augmentation."""
