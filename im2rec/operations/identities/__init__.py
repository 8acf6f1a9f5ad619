"""Face-recognition files in InsightFace's layout: images, a record of each identity, the header under key 0 (docs/format.md, section 6)."""
