"""The devices a drift runs on.

device       which there are, and how much memory is free
shards       how several of one process share a cloud
compilation  what was compiled; cache: where that is kept between processes
"""
