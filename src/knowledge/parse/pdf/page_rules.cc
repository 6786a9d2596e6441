#include "knowledge/parse/pdf/page_rules.h"

#include <cmath>

namespace strata::knowledge::pdf {
namespace {

constexpr std::size_t kRulesMax = 20'000;
constexpr int kSegmentsMax = 64;  // paths with more are drawings
constexpr int kFormDepthMax = 4;
constexpr float kThin = 2.5F;    // points: a filled box thinner than this is a line
constexpr float kLengthMin = 6;  // points

struct Point {
  float x = 0, y = 0;
};

pdfium::Matrix Multiply(const pdfium::Matrix& m, const pdfium::Matrix& by) {
  return {m.a * by.a + m.b * by.c, m.a * by.b + m.b * by.d,        m.c * by.a + m.d * by.c,
          m.c * by.b + m.d * by.d, m.e * by.a + m.f * by.c + by.e, m.e * by.b + m.f * by.d + by.f};
}

Point Apply(const pdfium::Matrix& m, Point p) {
  return {m.a * p.x + m.c * p.y + m.e, m.b * p.x + m.d * p.y + m.f};
}

class RuleReader {
 public:
  explicit RuleReader(const pdfium::Api& api) : api_(api) {}

  void Visit(pdfium::PageObject object, const pdfium::Matrix& outer, int depth) {
    const int type = api_.ObjectType(object);
    pdfium::Matrix m;
    if (type != pdfium::kObjectPath && type != pdfium::kObjectForm) return;
    api_.ObjectMatrix(object, &m);
    m = Multiply(m, outer);
    if (type == pdfium::kObjectPath) {
      AddPath(object, m);
    } else if (depth < kFormDepthMax) {
      const int count = api_.FormObjectCount(object);
      for (int i = 0; i < count && rules_.size() < kRulesMax; ++i) {
        Visit(api_.FormObject(object, static_cast<unsigned long>(i)), m, depth + 1);
      }
    }
  }

  std::vector<Rule> Take() { return std::move(rules_); }

 private:
  void AddPath(pdfium::PageObject path, const pdfium::Matrix& m) {
    int fill = 0;
    pdfium::Bool stroke = 0;
    if (api_.PathDrawMode(path, &fill, &stroke) == 0 || (fill == 0 && stroke == 0)) return;
    const int count = api_.PathSegmentCount(path);
    if (count < 2 || count > kSegmentsMax) return;
    std::vector<Point> run;  // the current subpath
    for (int i = 0; i < count; ++i) {
      const auto segment = api_.PathSegmentAt(path, i);
      Point p;
      if (segment == nullptr || api_.SegmentPoint(segment, &p.x, &p.y) == 0) return;
      const int type = api_.SegmentType(segment);
      if (type == pdfium::kSegmentBezier) return;
      if (type == pdfium::kSegmentMove) {
        AddRun(run, stroke != 0);
        run.clear();
      }
      run.push_back(Apply(m, p));
      if (api_.SegmentClose(segment) != 0 && !run.empty()) run.push_back(run.front());
    }
    AddRun(run, stroke != 0);
  }

  void AddRun(const std::vector<Point>& run, bool stroked) {
    if (run.size() < 2) return;
    Rect all = {run[0].x, run[0].y, run[0].x, run[0].y};
    for (const Point& p : run) all.Cover({p.x, p.y, p.x, p.y});
    if (!stroked && (all.width() < kThin || all.height() < kThin)) {  // a line drawn as a box
      AddLine({all.x1, all.center_y()}, {all.x2, all.center_y()});
      AddLine({all.center_x(), all.y1}, {all.center_x(), all.y2});
      return;
    }
    for (std::size_t i = 1; i < run.size(); ++i) AddLine(run[i - 1], run[i]);
    if (!stroked) AddLine(run.back(), run.front());
  }

  void AddLine(Point a, Point b) {
    const float dx = std::abs(a.x - b.x), dy = std::abs(a.y - b.y);
    if (!std::isfinite(dx + dy) || rules_.size() >= kRulesMax) return;
    const bool horizontal = dy < 1 && dx >= kLengthMin;
    const bool vertical = dx < 1 && dy >= kLengthMin;
    if (!horizontal && !vertical) return;
    rules_.push_back(
        {{std::min(a.x, b.x), std::min(a.y, b.y), std::max(a.x, b.x), std::max(a.y, b.y)},
         horizontal});
  }

  const pdfium::Api& api_;
  std::vector<Rule> rules_;
};

}  // namespace

std::vector<Rule> ReadRules(const pdfium::Api& api, pdfium::Page page) {
  RuleReader reader(api);
  const int count = api.ObjectCount(page);
  for (int i = 0; i < count; ++i) reader.Visit(api.Object(page, i), {}, 0);
  return reader.Take();
}

}  // namespace strata::knowledge::pdf
