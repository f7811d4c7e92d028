"""What to expect of a drift, exactly and without moving a token; derivation.md says why.

predict    expected pairs, and what is known besides, record by record
onset      the sigma at which one pair is expected
transport  where every value that can be drawn goes, and how probable it is
"""
