"""Every command of README and docs is run by a test, or stands here with the reason."""

import pytest
from commands import documented, typed
from repository import ROOT

SEEDED = (
    "python benchmarks/ablations.py run reference relativistic crop_96 lpips_loss lpips_lower_rate "
    "lpips_crop_96"
)
# command: why no test runs it, and what is tested or run instead
NOT_RUN = {
    "git clone <this repository> srgan-ab && cd srgan-ab": (
        "the address is the reader's",
        "tests/pipeline/test_pipeline.py::test_a_clone_makes_the_same_bits_whatever_surrounds_it",
    ),
    "make test": ("it would run itself", ".ci/run"),
    "make test-long": ("it would run itself", ".ci/run"),
    "python tests/fuzz.py --minutes 10": (
        "takes long",
        "tests/unit/test_fuzz.py::test_damage_at_random_is_a_rejection_or_a_sentence",
    ),
    "dvc get . data/predictions.csv --rev generator-1 -o runs/1.csv": (
        "needs the experiment generator-1, which no test runs",
        "tests/unit/test_pool.py::test_every_number_word_and_network_of_the_runs_is_written",
    ),
    "python tools/pool.py runs/1.csv runs/2.csv runs/3.csv runs/4.csv --output pooled": (
        "needs four runs",
        "tests/unit/test_pool.py::test_a_documented_command_is_understood",
    ),
    "sbatch --array=1-4 tools/study.sbatch srgan.seed": (
        "needs SLURM",
        "tests/pipeline/test_queue.py::test_tasks_of_an_array_hand_their_experiments_back",
    ),
    "OMP_NUM_THREADS=1 python benchmarks/load.py 1000 10000 100000": (
        "half an hour",
        "tests/unit/test_load.py::test_every_stage_is_measured",
    ),
    "python benchmarks/rate.py compare 1000 10000 100000 1000000": (
        "minutes, and gigabytes",
        "tests/unit/test_load.py::test_enlarging_is_measured",
    ),
    "python benchmarks/classifier_step.py": (
        "minutes, and its numbers mean something on an idle machine alone",
        "tests/unit/test_classifier_step.py::test_every_way_is_timed",
    ),
    "python benchmarks/reading.py --images 8000 --reads 2500": (
        "its numbers mean something with other formats beside it alone",
        "tests/unit/test_load.py::test_packs_are_read_in_any_order",
    ),
    "python benchmarks/tables.py 1000000 --hashes 300000": (
        "minutes, and gigabytes",
        "tests/unit/test_load.py::test_tables_are_those_of_split",
    ),
    "python benchmarks/neighbours.py": (
        "its numbers mean something on an idle machine alone",
        "tests/unit/test_load.py::test_trainings_side_by_side_are_measured",
    ),
    "srun -N 2 --ntasks-per-node 8 --gpus-per-node 8 -K1 python stages/train_srgan.py": (
        "needs SLURM",
        "tests/pipeline/test_distributed.py::test_the_same_stage_is_shared_however_it_is_started",
    ),
    "python benchmarks/scaling.py measure": (
        "its numbers mean something on an idle machine alone",
        "tests/unit/test_scaling.py::test_an_update_and_enlarging_are_timed",
    ),
    "python benchmarks/scaling.py model": (
        "prints what is compared without it",
        "tests/unit/test_scaling.py::test_the_page_has_the_table_that_the_model_prints",
    ),
    "make chaos": (
        "takes long",
        "tests/pipeline/test_chaos.py::test_killed_at_random_moments_it_ends_in_the_same_bits",
    ),
    "python benchmarks/ablations.py run": (
        "an hour of training",
        "tests/unit/test_ablations.py::test_every_variant_is_a_valid_experiment",
    ),
    f"{SEEDED} --seed 8": (
        "an hour of training",
        "tests/unit/test_ablations.py::test_a_seed_is_an_experiment_of_its_own",
    ),
    f"{SEEDED} --seed 9": (
        "an hour of training",
        "tests/unit/test_ablations.py::test_a_seed_is_an_experiment_of_its_own",
    ),
    **{
        f"python benchmarks/ablations.py run {variant} --seed {seed}": (
            "twenty minutes of training",
            "tests/unit/test_ablations.py::test_a_seed_is_an_experiment_of_its_own",
        )
        for variant, seed in (
            *(("plays", 7), ("plays", 8), ("plays", 9)),
            *(("plays_unopposed", 7), ("plays_unopposed", 8), ("plays_unopposed", 9)),
            *(("plays_weight_003", 8), ("plays_lattice_0", 8)),
            *(("plays_perceptual_3", 8), ("plays_perceptual_3_cosine", 8)),
        )
    },
    **{
        command: (
            "needs the extra demo, which `make setup` does not install",
            "tests/browser/test_demo.py::test_a_picture_that_is_given_is_enlarged_and_judged",
        )
        for command in ("srgan-ab demo", "srgan-ab demo --port 8000")
    },
    **{
        command: (
            "needs the extra track, which `make setup` does not install, or goes on until Ctrl-C",
            f"tests/unit/test_track.py::test_{name}_reads_it",
        )
        for command, name in (
            ("uv pip install --constraint requirements.txt --editable '.[track]'", "mlflow"),
            ("python tools/track.py tensorboard", "tensorboard"),
            ("tensorboard --logdir tracking", "tensorboard"),
            ("python tools/track.py mlflow", "mlflow"),
            ("mlflow ui --backend-store-uri sqlite:///tracking/mlflow.db", "mlflow"),
        )
    },
    "uv pip install --constraint requirements.txt --editable '.[s3]'": (
        "installs packages",
        "tests/pipeline/test_sharing.py::test_a_second_clone_gets_everything_from_s3",
    ),
    'make preset NAME=folder SET="data.path=s3://bucket/photos data.classes=[ham,egg]"': (
        "its stage needs the extra s3, which `make setup` does not install",
        "tests/unit/test_buckets.py::"
        "test_a_folder_is_read_as_a_local_one_and_each_photograph_is_fetched_once",
    ),
    "srgan-ab export photo --to onnx": (
        "needs the extra onnx, which `make setup` does not install",
        "tests/unit/test_export.py::test_onnx_computes_the_same_for_any_size",
    ),
    **{
        command: (
            "installs gigabytes, or the address is the reader's",
            "tests/unit/test_packaging.py::test_a_wheel_is_built_of_what_the_image_copies",
        )
        for command in (
            "uv build",
            "uvx --from <wheel or git url> srgan-ab upscale photo.jpg",
            "pipx install <wheel or git url>",
            "docker build -t srgan-ab .",
            'docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/pictures" srgan-ab upscale '
            "photo.jpg",
        )
    },
    "dvc get . models/srgan/generator.safetensors --rev plays-seed7 -o plays7.safetensors": (
        "wants what an hour of training gave",
        "tests/unit/test_smooth_areas.py::test_a_sheet_has_a_column_for_each_name",
    ),
    "python benchmarks/smooth_areas.py docs/smooth_areas.png bicubic plays_7=plays7.safetensors "
    "photo": (
        "wants what an hour of training gave",
        "tests/unit/test_smooth_areas.py::test_a_sheet_has_a_column_for_each_name",
    ),
    "python benchmarks/ablations.py table --psnr 26.2": (
        "shows what an hour of training gave",
        "tests/unit/test_ablations.py::test_the_tables_hold_what_was_measured",
    ),
    "python benchmarks/speed.py": (
        "many minutes",
        "tests/unit/test_speed.py::test_what_is_measured",
    ),
    "python benchmarks/speed.py --device cuda --batch-size 64 --output speed.json": (
        "needs a GPU",
        "tests/unit/test_speed.py::test_documented_options_are_known",
    ),
    "python benchmarks/speed.py --device cuda --batch-size 64 --compile default": (
        "needs a GPU",
        "tests/unit/test_speed.py::test_documented_options_are_known",
    ),
    "python benchmarks/speed.py --device cuda --batch-size 64 --compile reduce-overhead": (
        "needs a GPU",
        "tests/unit/test_speed.py::test_documented_options_are_known",
    ),
    **{
        f"python benchmarks/gpu.py --output gpu{options}": (
            why,
            "tests/unit/test_gpu.py::test_documented_options_are_known",
        )
        for options, why in (
            ("", "needs a GPU"),
            (" --compiled", "needs a GPU"),
            (" --device cpu --small", "many minutes"),
        )
    },
    "python benchmarks/speed.py --precision fp32 --rounds 3": (
        "many minutes",
        "tests/unit/test_speed.py::test_documented_options_are_known",
    ),
}


@pytest.mark.parametrize("command", documented())
def test_a_documented_command_is_run_or_excused(command):
    document = documented()[command]
    assert (command in typed()) != (command in NOT_RUN), (
        f"{document} says `{command}`: let a test in tests/pipeline give it to `shell`, "
        "or else say in NOT_RUN why none does"
    )


def test_nothing_else_is_run_or_excused():
    assert set(typed()) | set(NOT_RUN) <= set(documented())


@pytest.mark.parametrize(("_", "instead"), NOT_RUN.values())
def test_what_stands_in_for_a_command_exists(_, instead):
    file, _, test = instead.partition("::")
    assert f"def {test}(" in (ROOT / file).read_text() if test else (ROOT / file).is_file()
