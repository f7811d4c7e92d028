"""`drift study coarsening`: could drift alone have made the black holes that were observed?"""
