"""Kill, corrupt, throttle: every fault is proven to have fired."""
