"""Networks: building blocks that two or more labs use, all ordinary `nn.Module`s."""
