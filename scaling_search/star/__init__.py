"""How each dimension's best size grows with training compute: a star of networks round one."""
