"""The numbers of responsible sending: which there are, what applies where, and who may change them."""
