"""What pyproject.toml cannot say: the C extension, and that models/ installs as cosim.models."""

from setuptools import find_packages, setup

framework = find_packages(include=["cosim", "cosim.*"])
models = ["cosim." + name for name in find_packages(include=["models", "models.*"])]

setup(
    packages=framework + models,
    py_modules=["_cosim_start"],
    package_dir={"cosim.models": "models"},
    package_data={"": ["py.typed", "*.html", "*.json"]},
    cffi_modules=["csrc/build_kernels.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
    zip_safe=False,
)
