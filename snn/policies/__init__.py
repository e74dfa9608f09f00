"""Pulse policies, one file each: conversion of requested weight changes into pulses."""
