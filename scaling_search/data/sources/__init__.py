"""Where images come from: embedded typefaces, published sets and folders of the user's own."""
