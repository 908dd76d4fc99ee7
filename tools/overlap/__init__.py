"""Who of one data set of faces is in another under another name."""
