"""What the commands do with any task: fine-tune, evaluate, predict, check, describe."""
