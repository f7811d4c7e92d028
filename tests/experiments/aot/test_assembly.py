"""The readers of final code know a dropped rounding when they see one."""

from drift.experiments.aot.assembly import Loop, Sums, read_bundles, read_ptx
from drift.experiments.aot.page import Row, page
from drift.experiments.aot.targets import TARGETS

ROUNDED = """
.visible .entry fusion(
	.param .u64 fusion_param_0
)
{
	ld.global.nc.b32 	%r5, [%rd6];
	add.rn.f32 	%r20, %r5, %r19;
	and.b32 	%r21, %r20, 65535;
	shl.b32 	%r28, %r21, 16;
	add.rn.f32 	%r29, %r28, %r19;
	shr.u32 	%r30, %r29, 16;
	st.global.b32 	[%rd8], %r30;
	ret;
}
"""
ELIDED = """
.visible .entry fusion(
	.param .u64 fusion_param_0
)
{
	add.rn.f32 	%f20, %f5, %f19;
	mov.f32 	%f21, %f20;
	add.rn.f32 	%f22, %f21, %f19;
	add.rn.f32 	%f23, %f22, %f19;
	cvt.rn.bf16.f32 	%rs1, %f23;
	st.global.b16 	[%rd8], %rs1;
	ret;
}
"""
CARRIED = ROUNDED.replace("st.global.b32 	[%rd8], %r30;", "st.global.b32 	[%rd8], %r29;")
FUSED = ROUNDED.replace("add.rn.f32 	%r29, %r28, %r19;", "fma.rn.f32 	%r29, %r28, %r19, %r5;")


def test_ptx_with_roundings():
    assert read_ptx(ROUNDED) == Sums(adds=2)


def test_ptx_without_some_of_them():
    assert read_ptx(ELIDED) == Sums(adds=3, unrounded=2)
    assert read_ptx(ELIDED).rounded == 1
    assert read_ptx(CARRIED) == Sums(adds=2, unrounded=1)


LOOP = """
.visible .entry fused_steps(
	.param .u64 .ptr .align 16 fused_steps_param_0
)
{
	mov.u32 %r38, 0x0; mov.u32 %r39, 0x0; @%p1 ld.global.v2.b32 { %r38, %r39 }, [ %rd19 + 0 ];
$L__BB0_2:
	// begin inline asm
	mov.u32 %r31, %r35; @%p1 ld.global.v2.b32 { %r31, %r32 }, [ %rd33 + 0 ];
	// end inline asm
	add.rn.f32 	%r38, %r38, %r31;
	add.rn.f32 	%r39, %r39, %r32;
	@%p3 bra 	$L__BB0_2;
	@%p4 st.global.v2.b32 [ %rd35 + 0 ], { %r38, %r39 };
	ret;
}
"""


def test_a_loop_that_adds_to_what_it_added_before():
    assert read_ptx(LOOP) == Sums(adds=2, unrounded=2)
    rounded = LOOP.replace(
        "add.rn.f32 	%r38, %r38", "and.b32 %r38, %r40, 1; add.rn.f32 %r40, %r38"
    )
    assert read_ptx(rounded) == Sums(adds=2, unrounded=1)


def test_kernels_of_a_module_are_read_apart():
    assert read_ptx(ROUNDED + ELIDED) == Sums(adds=5, unrounded=2)


def test_fused_and_separate_products():
    assert read_ptx(FUSED) == Sums(adds=1, fused=1)
    assert read_ptx(
        ROUNDED.replace("and.b32 	%r21, %r20, 65535", "mul.rn.f32 	%r21, %r20, %r5")
    ) == (Sums(adds=2, products=1))


def test_bundles_with_and_without_roundings():
    rounded = """
  0x1   :  { %v10_v1 = vadd.f32 %v1_v0, %v2_v3  ;;  %v4_v4 = vld [vmem:[%s1] sm:$0xff] }
  0x2   :  { %v11_v2 = vshrl.u32 %v10_v1, 16 }
  0x3   :  { %v12_v1 = vadd.f32 %v11_v2, %v4_v4  ;;  %v13_v5 = vpack.i.f32.bf16 %v12_v1, %v12_v1 }
  0x4   :  { %9 = vst [vmem:[%s2] sm:$0xff] /*vst_source=*/%v13_v5 }
"""
    assert read_bundles(rounded) == Sums(adds=2)
    elided = rounded.replace("vadd.f32 %v11_v2", "vadd.f32 %v10_v1")
    assert read_bundles(elided) == Sums(adds=2, unrounded=1)
    assert read_bundles(rounded.replace("source=*/%v13_v5", "source=*/%v12_v1")) == (
        Sums(adds=2, unrounded=1)
    )


def test_a_spilled_register_is_followed_through_memory():
    spilled = """
  0x1   :  { %v10_v1 = vadd.f32 %v1_v0, %v2_v3 }
  0x2   :  { %40 = vst [vmem:[#allocation7_spill] sm:$0xff] /*vst_source=*/%v10_v1 }
  0x3   :  { %v11_v2 = vld [vmem:[#allocation7_spill] sm:$0xff] }
  0x4   :  { %v12_v1 = vshrl.u32 %v11_v2, 16 }
  0x5   :  { %9 = vst [vmem:[%s2] sm:$0xff] /*vst_source=*/%v12_v1 }
"""
    assert read_bundles(spilled) == Sums(adds=1)
    elided = spilled.replace("vshrl.u32 %v11_v2, 16", "vadd.f32 %v11_v2, %v2_v3")
    assert read_bundles(elided) == Sums(adds=2, unrounded=2)


def test_what_a_loop_came_to_is_followed_into_its_next_round():
    elided = """
  0x1 LB: >> { %v2091_v40 = vphi %v524_v40, %v3155_v40 /* phi copy */ }
  0x2   : >> { %v10_v1 = vadd.f32 %v2091_v40, %v2_v3 }
  0x3   : >> { %v3155_v40 = vmov %v10_v1 }
"""
    assert read_bundles(elided) == Sums(adds=1, unrounded=1)
    assert read_bundles(elided.replace("vmov", "vpack.c.b16")) == Sums(adds=1)


def test_sums_over_lanes_are_no_steps():
    lanes = """
  0x1   :  { %v10_v1 = vadd.f32 %v1_v0, %v2_v3 }
  0x2   :  { %v11_v2 = vrot.slane %v10_v1, 4 }
  0x3   :  { %v12_v1 = vadd.f32 %v11_v2, %v10_v1 }
  0x4   :  { %9 = vst [vmem:[%s2] sm:$0xff] /*vst_source=*/%v12_v1 }
"""
    assert read_bundles(lanes) == Sums()


LOOP_IN_REGISTERS = Loop(3.0)


def rows(right, control, unrounded, loop=LOOP_IN_REGISTERS):
    target = TARGETS[0]
    return [
        Row(target, "bfloat16 nearest", False, right, right, right, loop),
        Row(target, "float32 nearest", True, unrounded, unrounded, unrounded, loop),
        Row(target, "control: pair of casts", None, control),
    ]


def test_the_page_is_right_only_if_kernels_round_and_the_control_does_not():
    text, ok = page(rows(Sums(4), Sums(4, 3), Sums(4, 4)), "1.2.3")
    assert ok
    assert "| bfloat16 nearest | 4 / 4 |" in text
    assert "| control: pair of casts | 4 / 1 |" in text
    assert "JAX 1.2.3" in text
    for wrong in [
        (Sums(4, 1), Sums(4, 3), Sums(4, 4)),  # a kernel lost a rounding
        (Sums(4), Sums(4), Sums(4, 4)),  # the control was not found out
        (Sums(4), Sums(4, 3), Sums(4, 3)),  # nor that float32 is not rounded
        (Sums(0), Sums(4, 3), Sums(4, 4)),  # nothing was read
        (Sums(4, fused=1), Sums(4, 3), Sums(4, 4)),  # a product was fused into an add
        (Sums(4), Sums(4, 3), Sums(4, 4), Loop(3.0, stored_in_loop=8)),  # not in registers
    ]:
        text, ok = page(rows(*wrong), "1.2.3")
        assert not ok
        assert "Wrong: " in text


def test_the_page_says_what_a_step_costs():
    loop = Loop(3.5, in_loop=0.5, registers=56, spilled=8)
    text, _ = page(rows(Sums(4), Sums(4, 3), Sums(4, 4), loop), "1.2.3")
    assert "| bfloat16 nearest | 3.5, 0.5 B, 56 registers, 8 spilled |" in text
