"""What users write: flows, tasks, parameters, edges, and the helpers that connect them."""
