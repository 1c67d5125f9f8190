"""Evaluation: questions with known answers, asked as a person would, and what came measured."""
