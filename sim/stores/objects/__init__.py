"""Stores on object storage.

location  a name in a bucket; lease: one writer at a time there
client    of s3fs and botocore; errors: what goes wrong, in one line
"""
