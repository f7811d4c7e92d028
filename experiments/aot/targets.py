"""Devices that can be compiled for without having one.

CUDA compilers are told a device's figures; TPU compilers know theirs by name.
Figures from NVIDIA's data sheets and its CUDA programming guide.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """A device to compile for."""

    name: str
    """name on the page"""
    platform: str
    """cuda or tpu"""
    topology: str
    """topology as the compiler names it"""
    config: str = ""
    """figures of a GPU, which its compiler needs"""


def _cuda(name: str, kind: str, capability: tuple[int, int], **figures: float) -> Target:
    major, minor = capability
    lines = "\n".join(f"  {key}: {value}" for key, value in figures.items())
    config = f"""gpu_device_info {{
  threads_per_block_limit: 1024
  threads_per_warp: 32
  shared_memory_per_block: 49152
  threads_per_core_limit: 2048
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
{lines}
  cuda_compute_capability {{ major: {major} minor: {minor} }}
}}
platform_name: "CUDA"
dnn_version_info {{ major: 9 minor: 10 }}
device_description_str: "{kind}"
"""
    return Target(name, "cuda", "1x1x1", config)


TARGETS = (
    _cuda(
        "H100",
        "NVIDIA H100 80GB HBM3",
        (9, 0),
        core_count=132,
        fpus_per_core=128,
        shared_memory_per_core=233472,
        shared_memory_per_block_optin=232448,
        memory_bandwidth=3352320000000,
        l2_cache_size=52428800,
        clock_rate_ghz=1.98,
        device_memory_size=84942979072,
    ),
    _cuda(
        "A100",
        "NVIDIA A100-SXM4-80GB",
        (8, 0),
        core_count=108,
        fpus_per_core=64,
        shared_memory_per_core=167936,
        shared_memory_per_block_optin=166912,
        memory_bandwidth=2039000000000,
        l2_cache_size=41943040,
        clock_rate_ghz=1.41,
        device_memory_size=84942979072,
    ),
    Target("v5e", "tpu", "v5e:2x2"),
    Target("v6e", "tpu", "v6e:2x2"),
)


def device(target: Target) -> Any:
    """The JAX device to lower for; needs the platform's compiler."""
    from jax.experimental import topologies

    if target.platform == "tpu":
        described = topologies.get_topology_desc(platform="tpu", topology_name=target.topology)
    else:
        described = topologies.get_topology_desc(
            platform="cuda",
            topology_name="",
            target_config=target.config,
            topology=target.topology,
        )
    return described.devices[0]
