#pragma once
// What std.h is to all code, for tests.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "std.h"
