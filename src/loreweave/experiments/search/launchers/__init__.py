"""Workers elsewhere than in this process: on the GPUs of this machine, in jobs of SLURM, in job scripts of a cluster."""
