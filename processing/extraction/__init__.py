"""Extraction: rows of tables read out of documents, by models or by rules."""
