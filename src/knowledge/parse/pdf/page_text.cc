#include "knowledge/parse/pdf/page_text.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <array>
#include <cmath>
#include <numbers>

#include "base/utf8.h"
#include "knowledge/parse/pdf/page_rules.h"

namespace strata::knowledge::pdf {
namespace {

constexpr float kSizeMin = 0.5F;  // smaller text is no text to read

// What the characters of one text object share.
struct Style {
  void* object = nullptr;
  float size = 0;
  int turns = -1;  // of the baseline; -1: not along an axis
  bool bold = false;
  bool italic = false;
  bool mono = false;
};

Rect Turn(const Rect& box, int turns) {
  switch (turns & 3) {
    case 1:
      return {box.y1, -box.x2, box.y2, -box.x1};
    case 2:
      return {-box.x2, -box.y2, -box.x1, -box.y1};
    case 3:
      return {-box.y2, box.x1, -box.y1, box.x2};
    default:
      return box;
  }
}

bool Holds(std::string_view font, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return font.find(name) != std::string_view::npos;
  });
}

Style ReadStyle(const pdfium::Api& api, pdfium::TextPage text, int i, void* object) {
  Style style;
  style.object = object;
  pdfium::Matrix m;
  api.CharMatrix(text, i, &m);
  style.size = static_cast<float>(api.CharFontSize(text, i)) * std::hypot(m.c, m.d);
  const float along = std::hypot(m.a, m.b);
  if (along > 0) {
    const float turns = std::atan2(m.b, m.a) / (std::numbers::pi_v<float> / 2);
    const float nearest = std::round(turns);
    if (std::abs(turns - nearest) < 0.06F) style.turns = static_cast<int>(nearest + 4) & 3;
  }
  char name[256] = "";
  int flags = 0;
  const unsigned long length = api.CharFontInfo(text, i, name, sizeof name, &flags);
  const std::string_view font =
      length > 0 && length <= sizeof name ? std::string_view(name, length - 1) : std::string_view();
  // Font descriptor flags of ISO 32000-1, table 123: bit 1 fixed pitch, 7 italic, 19 force bold.
  style.bold = api.CharFontWeight(text, i) >= 600 || (flags & (1 << 18)) != 0 ||
               Holds(font, {"Bold", "bold", "Black", "Heavy", "Demi", "-Medi", "CMBX", "SFBX"});
  style.italic = (flags & (1 << 6)) != 0 || Holds(font, {"Italic", "Oblique"});
  style.mono = (flags & 1) != 0 || Holds(font, {"Mono", "Courier", "CMTT", "SFTT"});
  return style;
}

// Ligatures and presentation forms as the letters that they stand for; symbol fonts' bullets.
void AppendReadable(std::string& out, char32_t code) {
  constexpr std::array<std::string_view, 7> kLigatures = {"ff",  "fi", "fl", "ffi",
                                                          "ffl", "st", "st"};
  if (code >= 0xFB00 && code <= 0xFB06) {
    out += kLigatures[code - 0xFB00];
    return;
  }
  if (code == 0xF0B7 || code == 0xF0A7 || code == 0xF076) code = 0x2022;
  if ((code >= 0xFB1D && code <= 0xFDFF) || (code >= 0xFE70 && code <= 0xFEFC)) {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* nfkc = unorm2_getNFKCInstance(&status);
    UChar units[32];
    const auto one = static_cast<UChar>(code);
    const int32_t size = unorm2_normalize(nfkc, &one, 1, units, 32, &status);
    if (U_SUCCESS(status)) {
      for (int32_t i = 0; i < size; ++i) AppendUtf8(out, units[i]);
      return;
    }
  }
  AppendUtf8(out, code);
}

bool IsRtl(char32_t code) {
  const auto direction = u_charDirection(static_cast<UChar32>(code));
  return direction == U_RIGHT_TO_LEFT || direction == U_RIGHT_TO_LEFT_ARABIC;
}

bool IsBlank(char32_t code) {
  return code <= 0x20 || code == 0xA0 || code == 0x3000 || (code >= 0x2000 && code <= 0x200B) ||
         code == 0x202F || code == 0xFEFF;
}

bool IsNothing(char32_t code) {
  return code == 0xFFFE || code == 0xFFFF || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ||
         (code >= 0x7F && code < 0xA0) || (code >= 0x200C && code <= 0x200F);
}

void ReverseCodePoints(std::string& text) {
  std::string out;
  for (std::size_t end = text.size(); end > 0;) {
    std::size_t begin = end - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    out.append(text, begin, end - begin);
    end = begin;
  }
  text = std::move(out);
}

struct Char {
  char32_t code = 0;
  Rect box;
  float baseline = 0;
  const Style* style = nullptr;
  bool astray = false;
};

// Strings characters of the content stream to words.
class WordMaker {
 public:
  explicit WordMaker(std::vector<Word>& words) : words_(words) {}

  void Space() {
    Close();
    space_ = true;
  }

  void Add(const Char& c) {
    const float size = c.style->size;
    if (open_ && !Continues(c)) Close();
    if (!open_) {
      word_ = Word{};
      word_.box = c.box;
      word_.baseline = c.baseline;
      word_.size = size;
      word_.bold = c.style->bold;
      word_.italic = c.style->italic;
      word_.mono = c.style->mono;
      word_.astray = c.astray;
      word_.space_before = space_;
      first_x_ = c.box.center_x();
      open_ = true;
      space_ = false;
    }
    word_.rtl = word_.rtl || IsRtl(c.code);
    AppendReadable(word_.text, c.code);
    word_.box.Cover(c.box);
    last_ = c.box;
  }

  void Close() {
    if (!open_) return;
    open_ = false;
    // Logical order runs leftwards; a producer that wrote the glyphs in visual order is turned.
    if (word_.rtl && last_.center_x() > first_x_ + 0.1F) ReverseCodePoints(word_.text);
    words_.push_back(std::move(word_));
  }

 private:
  bool Continues(const Char& c) const {
    const float size = std::max(word_.size, c.style->size);
    if (c.astray != word_.astray || c.style->bold != word_.bold) return false;
    if (c.astray)
      return std::abs(c.box.center_x() - last_.center_x()) < 2 * size &&
             std::abs(c.box.center_y() - last_.center_y()) < 2 * size;
    if (std::abs(c.baseline - word_.baseline) > 0.25F * size) return false;
    if (std::abs(c.style->size - word_.size) > 0.25F * size) return false;
    const float right = c.box.x1 - last_.x2;
    const float left = last_.x1 - c.box.x2;
    const float gap = std::max(right, left);
    return gap < 0.3F * size && gap > -0.8F * size;
  }

  std::vector<Word>& words_;
  Word word_;
  Rect last_;
  float first_x_ = 0;
  bool open_ = false;
  bool space_ = false;
};

struct RawChar {
  char32_t code = 0;
  Rect box;  // user space
  float origin_x = 0, origin_y = 0;
  std::size_t style = 0;
};

char32_t ReadCode(const pdfium::Api& api, pdfium::TextPage text, int& i, int count) {
  char32_t code = api.CharUnicode(text, i);
  if (code == 2 || api.CharIsHyphen(text, i) == 1) return '-';  // a hyphen that ends a line
  if (code >= 0xD800 && code < 0xDC00 && i + 1 < count) {
    const char32_t low = api.CharUnicode(text, i + 1);
    if (low >= 0xDC00 && low < 0xE000) {
      ++i;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
  }
  return code;
}

// All characters with their styles. Blank and generated ones come as code ' '.
void ReadChars(const pdfium::Api& api, pdfium::TextPage text, int count,
               std::vector<RawChar>& chars, std::vector<Style>& styles) {
  chars.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const int at = i;
    RawChar c;
    c.code = ReadCode(api, text, i, count);
    if (IsBlank(c.code)) {
      c.code = ' ';
      chars.push_back(c);
      continue;
    }
    pdfium::RectF box;
    double x = 0, y = 0;
    if (IsNothing(c.code) || api.CharLooseBox(text, at, &box) == 0 ||
        api.CharOrigin(text, at, &x, &y) == 0) {
      continue;
    }
    void* object = api.CharObject(text, at);
    if (styles.empty() || styles.back().object != object || object == nullptr) {
      styles.push_back(ReadStyle(api, text, at, object));
    }
    c.style = styles.size() - 1;
    c.box = {std::min(box.left, box.right), std::min(box.bottom, box.top),
             std::max(box.left, box.right), std::max(box.bottom, box.top)};
    c.origin_x = static_cast<float>(x);
    c.origin_y = static_cast<float>(y);
    const bool finite = std::isfinite(c.box.x1 + c.box.x2 + c.box.y1 + c.box.y2 + c.origin_x +
                                      c.origin_y + styles.back().size);
    if (finite && styles.back().size >= kSizeMin) chars.push_back(c);
  }
}

int DominantTurns(const std::vector<RawChar>& chars, const std::vector<Style>& styles) {
  std::array<std::size_t, 4> votes = {};
  for (const auto& c : chars) {
    if (c.code != ' ' && styles[c.style].turns >= 0) ++votes[styles[c.style].turns];
  }
  return static_cast<int>(std::max_element(votes.begin(), votes.end()) - votes.begin());
}

void MakeWords(const std::vector<RawChar>& chars, const std::vector<Style>& styles,
               PageText& page) {
  WordMaker maker(page.words);
  for (const auto& raw : chars) {
    if (raw.code == ' ') {
      maker.Space();
      continue;
    }
    Char c;
    c.code = raw.code;
    c.style = &styles[raw.style];
    c.astray = c.style->turns != page.quarter_turns;
    c.box = Turn(raw.box, page.quarter_turns);
    const Rect origin =
        Turn({raw.origin_x, raw.origin_y, raw.origin_x, raw.origin_y}, page.quarter_turns);
    c.baseline = origin.y1;
    // Text beyond the page's edge is not there for a reader.
    if (c.box.center_x() < page.extent.x1 - 1 || c.box.center_x() > page.extent.x2 + 1 ||
        c.box.center_y() < page.extent.y1 - 1 || c.box.center_y() > page.extent.y2 + 1) {
      continue;
    }
    maker.Add(c);
  }
  maker.Close();
}

// Whether the page shows something besides text. A few lines and boxes are a form's frame or a
// background; a scan is an image, and letters that were made outlines are many paths.
class DrawingCount {
 public:
  explicit DrawingCount(const pdfium::Api& api) : api_(api) {}

  bool IsDrawn(pdfium::Page page) {
    const int count = api_.ObjectCount(page);
    for (int i = 0; i < count && !drawn(); ++i) Visit(api_.Object(page, i), 0);
    return drawn();
  }

 private:
  static constexpr int kPathsMin = 50, kFormDepthMax = 4;

  bool drawn() const { return images_ > 0 || paths_ >= kPathsMin; }

  void Visit(pdfium::PageObject object, int depth) {
    const int type = api_.ObjectType(object);
    images_ += type == pdfium::kObjectImage ? 1 : 0;
    paths_ += type == pdfium::kObjectPath ? 1 : 0;
    if (type != pdfium::kObjectForm || depth >= kFormDepthMax) return;
    const int count = api_.FormObjectCount(object);
    for (int i = 0; i < count && !drawn(); ++i) {
      Visit(api_.FormObject(object, static_cast<unsigned long>(i)), depth + 1);
    }
  }

  const pdfium::Api& api_;
  int images_ = 0;
  int paths_ = 0;
};

}  // namespace

domain::Box PageText::ToUser(const Rect& box) const {
  const Rect user = Turn(box, 4 - quarter_turns);
  return {user.x1, user.y1, user.x2, user.y2};
}

Result<PageText> ReadPage(const pdfium::Api& api, pdfium::Document document, int number,
                          int chars_max) {
  const pdfium::Handle page(api.LoadPage(document, number - 1), api.ClosePage);
  if (!page) return Fail(Code::kInvalidArgument, fmt::format("page {} is damaged", number));
  const pdfium::Handle text(api.LoadText(page.get()), api.CloseText);
  if (!text) return Fail(Code::kInvalidArgument, fmt::format("page {}: text is damaged", number));
  const int count = std::max(0, api.CharCount(text.get()));
  if (count > chars_max) {
    return Fail(Code::kTooLarge,
                fmt::format("page {} has {} characters, more than {}", number, count, chars_max));
  }
  std::vector<RawChar> chars;
  std::vector<Style> styles;
  ReadChars(api, text.get(), count, chars, styles);

  PageText out;
  out.number = number;
  out.quarter_turns = DominantTurns(chars, styles);
  pdfium::RectF bounds;
  if (api.PageBounds(page.get(), &bounds) == 0) {
    bounds = {0, api.PageHeight(page.get()), api.PageWidth(page.get()), 0};
  }
  out.extent = Turn({bounds.left, bounds.bottom, bounds.right, bounds.top}, out.quarter_turns);
  MakeWords(chars, styles, out);
  out.scanned = out.words.empty() && DrawingCount(api).IsDrawn(page.get());
  for (Rule& rule : ReadRules(api, page.get())) {
    rule.box = Turn(rule.box, out.quarter_turns);
    if ((out.quarter_turns & 1) != 0) rule.horizontal = !rule.horizontal;
    out.rules.push_back(rule);
  }
  return out;
}

}  // namespace strata::knowledge::pdf
