"""Parts of layout 2 of all stores.

told          attributes that every format of files takes
consolidated  the copy of all metadata that xarray.open_zarr looks for
"""
