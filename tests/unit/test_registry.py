import pytest
from robustness.demo_kind import Chip, Demo, register, run
from robustness.plugin import install

from cosim._suggest import suggestion
from cosim.registry import Component, Plugin, PluginWarning, Registry, RegistryError, UnknownNameError
from cosim.scenario import ScenarioSpec


@pytest.fixture
def filled():
    registry = Registry()
    register(registry)
    return registry


def test_names_lead_to_what_was_registered(filled):
    assert filled.scenario_kind("demo").model is Demo
    assert filled.components("chip") == {"demo_chip": Component("chip", "demo_chip", Chip, "A chip.")}
    assert {family: list(names) for family, names in filled.families().items()} == {
        "chip": ["demo_chip"],
        "schedule": ["linear", "step"],
    }


def test_unknown_names_come_with_a_suggestion(filled):
    with pytest.raises(UnknownNameError, match=r"^unknown scenario kind 'dmo'; did you mean 'demo'\?$"):
        filled.scenario_kind("dmo")


def test_a_name_is_registered_once(filled):
    for again in (
        lambda: filled.scenario("demo", Demo, run),
        lambda: filled.component("chip", "demo_chip", Chip),
        lambda: [filled.report("demo", None) for _ in range(2)],
    ):
        with pytest.raises(RegistryError, match="already"):
            again()


def test_a_scenario_model_leaves_the_sweep_to_the_loader(filled):
    class Swept(ScenarioSpec):
        sweep: int = 0

    with pytest.raises(RegistryError, match="no field may be called 'sweep'"):
        filled.scenario("swept", Swept, lambda spec, context: {})


def test_a_scenario_model_is_a_scenario_spec(filled):
    with pytest.raises(RegistryError, match=r"must extend cosim\.scenario\.ScenarioSpec"):
        filled.scenario("other", Chip, run)


def test_a_plug_in_that_fails_half_way_leaves_nothing(filled):
    def broken(registry):
        registry.component("chip", "half", Chip)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        filled.load(Plugin("broken", "elsewhere", "x:y"), broken)
    assert list(filled.components("chip")) == ["demo_chip"]
    assert filled.plugins == []


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_plug_ins_are_found_and_broken_ones_named(site):
    install(site, "good")
    install(site, "bad", "no_such_module:register")
    registry = Registry()
    with pytest.warns(
        PluginWarning, match=r"plug-in left out: bad \('bad' = no_such_module:register\): ModuleNotFound"
    ):
        registry.load_plugins()
    assert "demo" in registry.scenarios
    states = {plugin.distribution: plugin.problem for plugin in registry.plugins}
    assert states["good"] == ""
    assert states["bad"].startswith("ModuleNotFoundError")
    assert registry.plugins[0].distribution == "cosim-npu"


def test_without_plug_ins_the_built_ins_remain(site, monkeypatch):
    install(site, "good")
    monkeypatch.setenv("COSIM_PLUGINS", "none")
    registry = Registry()
    registry.load_plugins()
    assert [plugin.distribution for plugin in registry.plugins] == ["cosim-npu"]


def test_two_plug_ins_with_one_name_the_second_is_left_out(site):
    install(site, "first")
    install(site, "second")
    registry = Registry()
    with pytest.warns(PluginWarning, match=r"left out: second .*'demo' is registered already"):
        registry.load_plugins()
    assert "demo" in registry.scenarios


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("lanse", "did you mean 'lanes'?"),
        ("cor", "did you mean 'core_chip'?"),
        ("sram", "known: core_chip, lanes, random"),
    ],
)
def test_a_suggestion_is_close_or_begun(wrong, said):
    assert suggestion(wrong, ["core_chip", "lanes", "random"]) == said
