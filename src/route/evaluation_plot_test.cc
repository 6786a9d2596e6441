// Pictures of evaluations: what stands where, whatever names and numbers come.

#include "route/evaluation_plot.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "route/plot_labels.h"

namespace strata::route {
namespace {

Evaluation Sample() {
  Evaluation e;
  e.name = "mmlu";
  e.rows = 100;
  e.strong = "big";
  e.singles = {{"big", {0.01, 0.9}}, {"small", {0.001, 0.6}}};
  e.settings = {
      {.tolerance = 0.03, .share_moved = 0.5, .ratio = {.estimate = 0.98}, .saving = 0.4}};
  e.curve = {{0.01, 0.9}, {0.004, 0.8}, {0.001, 0.6}};
  e.length_curve = {{0.001, 0.6}, {0.01, 0.9}};
  e.oracle_curve = {{0.001, 0.6}, {0.003, 0.95}};
  return e;
}

// What stands behind `name="`, of the element that begins with `element`.
double Attribute(const std::string& svg, const std::string& element, const std::string& name) {
  auto at = svg.find(element);
  EXPECT_NE(at, svg.npos) << element;
  at = svg.find(" " + name + "=\"", at);
  return at == svg.npos ? -1 : std::stod(svg.substr(at + name.size() + 3));
}

TEST(EvaluationPlot, DearerStandsToTheRightAndBetterHigher) {
  auto svg = PlotEvaluation(Sample());
  auto first = svg.find("<circle class=\"one\" cx");
  ASSERT_NE(first, svg.npos);
  auto big = svg.substr(first);
  auto small = big.substr(big.find("<circle class=\"one\" cx", 10));
  EXPECT_GT(Attribute(big, "<circle", "cx"), Attribute(small, "<circle", "cx"));
  EXPECT_LT(Attribute(big, "<circle", "cy"), Attribute(small, "<circle", "cy"));
  for (const char* line : {"path class=\"router\"", "path class=\"length\"",
                           "path class=\"oracle\"", "path class=\"random\"", ">97 %<",
                           "prefers-color-scheme:dark", "97 % setting: quality 0.882, $6<"}) {
    EXPECT_NE(svg.find(line), svg.npos) << line;
  }
}

TEST(EvaluationPlot, FarApartCostsStandOnALogarithmicAxis) {
  auto e = Sample();
  EXPECT_EQ(PlotEvaluation(e).find("logarithmic"), std::string::npos);
  e.singles[1].point.cost = 0.0001;
  EXPECT_NE(PlotEvaluation(e).find("logarithmic"), std::string::npos);
}

TEST(EvaluationPlot, NamesCannotLeaveTheirText) {
  auto e = Sample();
  e.name = "a<script>\"&\x01";
  e.singles[0].name = e.strong = "m'<b>";
  auto svg = PlotEvaluation(e);
  EXPECT_EQ(svg.find("<script"), svg.npos);
  EXPECT_EQ(svg.find("<b>"), svg.npos);
  EXPECT_EQ(svg.find('\x01'), svg.npos);
  EXPECT_NE(svg.find("a&lt;script&gt;&quot;&amp;"), svg.npos);
}

TEST(EvaluationPlot, OneModelAndNoCostAreDrawnToo) {
  Evaluation e;
  e.name = "x";
  e.strong = "only";
  e.singles = {{"only", {0, 0.5}}};
  for (const auto& svg : {PlotEvaluation(e), PlotEvaluation({})}) {
    EXPECT_EQ(svg.find("nan"), svg.npos);
    EXPECT_EQ(svg.find("inf"), svg.npos);
    EXPECT_TRUE(svg.ends_with("</svg>\n"));
  }
}

TEST(EvaluationPlot, FileNamesAreNamesOnly) {
  EXPECT_EQ(PlotFileName("arc-challenge"), "arc-challenge.svg");
  EXPECT_EQ(PlotFileName("../../etc/passwd"), "etc-passwd.svg");
  EXPECT_EQ(PlotFileName(".."), "source.svg");
  EXPECT_EQ(PlotFileName("MATH level 5"), "MATH-level-5.svg");
  EXPECT_LE(PlotFileName(std::string(5000, 'a')).size(), 110U);
}

TEST(PlotLabels, NeverStandOnEachOtherNorOutside) {
  std::vector<PlotPoint> points;
  for (int i = 0; i < 12; ++i) {
    points.push_back({100.0 + 9 * i, 100.0 + 3 * (i % 3), "model-" + std::to_string(i)});
  }
  PlotBox frame{.left = 0, .top = 0, .right = 400, .bottom = 300};
  auto labels = PlaceLabels(points, {}, frame);
  ASSERT_EQ(labels.size(), points.size());
  EXPECT_GE(std::ranges::count_if(labels, [](const auto& l) { return l.has_value(); }), 8);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!labels[i]) continue;
    EXPECT_GE(labels[i]->left, frame.left);
    EXPECT_LE(labels[i]->right, frame.right);
    for (std::size_t j = 0; j < i; ++j) {
      if (!labels[j]) continue;
      bool apart = labels[i]->right <= labels[j]->left || labels[j]->right <= labels[i]->left ||
                   labels[i]->bottom <= labels[j]->top || labels[j]->bottom <= labels[i]->top;
      EXPECT_TRUE(apart) << points[i].text << " on " << points[j].text;
    }
  }
}

}  // namespace
}  // namespace strata::route
