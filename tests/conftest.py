"""What every test shares: small tensors are fastest on one thread, and threads that wait must not spin."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
