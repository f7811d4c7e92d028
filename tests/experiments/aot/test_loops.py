"""What the loop of a fused kernel costs is read out of its final code."""

import pytest

from drift.experiments.aot import assembly
from drift.experiments.aot.assembly import Loop, loop_of_bundles, loop_of_ptx

KERNEL = """
.target sm_90a
.visible .entry fused_steps(
	.param .u64 .ptr .align 16 fused_steps_param_0
)
{
	@%p1 ld.global.v2.b32 { %r12, %r13 }, [ %rd11 + 0 ];
	ld.global.b32 { %r165 }, [ %rd19 + 0 ];
	@%p2 bra 	$L__BB0_3;
$L__BB0_2:
	@%p1 ld.global.v4.b32 { %r47, %r48, %r49, %r50 }, [ %rd33 + 0 ];
	add.rn.f32 	%r51, %r38, %r47;
	add.rn.f32 	%r52, %r39, %r48;
	add.rn.f32 	%r53, %r40, %r49;
	add.rn.f32 	%r54, %r41, %r50;
	cvt.rn.bf16x2.f32 	%r55, %r52, %r51;
	@%p3 bra 	$L__BB0_2;
$L__BB0_3:
	@%p4 st.global.v2.b32 [ %rd35 + 0 ], { %r148, %r149 };
	ret;
}
"""
BUNDLES = """
  0x6f   : > { %v536_v52 = vshll.u32 %v520_v36, 16  ;;  %7 = dma.hbm_to_vmem %s1 }
  0x74 LB: >> { %v2091_v40 = vphi %v524_v40, %v3155_v40 /* phi copy */ }
  0x75   : >> { %v10_v1 = vadd.f32 %v2091_v40, %v2_v3 }
  0x76   : >> { %3083 = vst [vmem:[#allocation32_spill] sm:$0xff] /*vst_source=*/%v10_v1 }
  0xbb   : > { %v3164_v0 = vmov %v847_v8 }
"""


@pytest.fixture(autouse=True)
def no_assembler(monkeypatch):
    monkeypatch.setattr(assembly, "_ptxas", lambda text: (None, None))


def test_the_loop_of_a_gpus_kernel():
    assert loop_of_ptx(KERNEL) == Loop(cost=7 / 4, in_loop=4.0, once=(8 + 4 + 8) / 4)


def test_what_a_loop_stores_is_found():
    stores = KERNEL.replace("cvt.rn.bf16x2.f32 	%r55, %r52, %r51", "st.global.b16 [%rd1], %rs1")
    assert loop_of_ptx(stores).stored_in_loop == 2


def test_an_outer_loop_is_not_the_loop():
    outer = KERNEL.replace("	@%p1 ld.global.v2", "$L__BB0_1:\n	@%p1 ld.global.v2").replace(
        "	ret;", "	@%p5 bra 	$L__BB0_1;\n	ret;"
    )
    assert loop_of_ptx(outer) == loop_of_ptx(KERNEL)


def test_the_loop_of_a_tpus_kernel():
    assert loop_of_bundles(BUNDLES, 2048) == Loop(cost=1.5, spilled=1)
    copying = BUNDLES.replace("LB: >> {", "LB: >> { %8 = dma.vmem_to_hbm %s1  ;;")
    assert loop_of_bundles(copying, 2048).stored_in_loop == 1
