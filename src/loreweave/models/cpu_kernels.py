"""PyTorch's fused attention for the CPU, through a private call that also returns the log-sum-exp of a query's scores.

`flash_attention(query, key, value, attn_mask=bias)` returns the output and the log-sum-exps [batch, heads, query].
`flash_attention_backward(gradient, query, key, value, output, log_sum_exps, 0.0, False, attn_mask=bias)` recomputes the
weights from them, so it can also be used for a softmax over more keys than it is given.
"""

from __future__ import annotations

import torch

flash_attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
flash_attention_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
