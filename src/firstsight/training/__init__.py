"""From a recipe and a data set to one model file."""

from firstsight.training.outcome import Outcome
from firstsight.training.reading import read_recipe, shipped
from firstsight.training.recipe import Recipe
from firstsight.training.run import train

__all__ = ["Outcome", "Recipe", "read_recipe", "shipped", "train"]
