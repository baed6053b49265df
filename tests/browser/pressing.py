"""Presses as people make them: a pointer goes down, stays for a moment, and goes up where it went down."""

from __future__ import annotations

from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.mouse_button import MouseButton
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.servers import PATIENCE_S

HELD_S = 0.06
POINTERS = ("mouse", "touch")


def press(driver: WebDriver, selector: str, pointer: str = "mouse", held_s: float = HELD_S) -> None:
    """Press what `selector` names in its middle; what moves away meanwhile is missed, as it is by a finger."""
    WebDriverWait(driver, PATIENCE_S).until(
        lambda page: page.execute_script("return document.readyState") == "complete"
    )
    target = driver.find_element(By.CSS_SELECTOR, selector)
    driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", target)
    actions = ActionBuilder(driver, mouse=PointerInput(pointer, pointer))
    actions.pointer_action.move_to(target).pointer_down(MouseButton.LEFT).pause(held_s).pointer_up(MouseButton.LEFT)
    actions.perform()


def rewrite(driver: WebDriver, selector: str, text: str, pointer: str = "mouse") -> None:
    """Go into a field, and type over what stands there."""
    field = driver.find_element(By.CSS_SELECTOR, selector)
    press(driver, selector, pointer)
    driver.execute_script("arguments[0].focus(); arguments[0].select()", field)
    driver.switch_to.active_element.send_keys(text)
