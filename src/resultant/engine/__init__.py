"""What comes out of a task: results, states, signals, and what they are made of."""
