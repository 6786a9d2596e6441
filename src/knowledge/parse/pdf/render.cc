#include "knowledge/parse/pdf/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "knowledge/parse/child/wire.h"
#include "knowledge/parse/pdf/pdfium_api.h"
#include "knowledge/parse/pdf/png.h"

namespace strata::knowledge::pdf {
namespace {

constexpr double kPixelsMax = 36e6;  // 4 bytes each

// The bitmap's memory is PDFium's; rows of 4 bytes a pixel, red first after
// kRenderReverseByteOrder.
struct Canvas {
  unsigned char* pixels = nullptr;
  int stride = 0;
  int width = 0;
  int height = 0;

  unsigned char* At(int x, int y) const {
    return pixels + static_cast<std::ptrdiff_t>(y) * stride + 4 * static_cast<std::ptrdiff_t>(x);
  }
};

struct PixelBox {
  int left = 0, top = 0, right = 0, bottom = 0;
};

// Multiplied with yellow, so that the text below stays readable.
void Tint(const Canvas& canvas, const PixelBox& box) {
  for (int y = box.top; y < box.bottom; ++y) {
    for (int x = box.left; x < box.right; ++x) {
      unsigned char* pixel = canvas.At(x, y);
      pixel[1] = static_cast<unsigned char>(pixel[1] * 232 / 255);
      pixel[2] = static_cast<unsigned char>(pixel[2] * 110 / 255);
    }
  }
}

void Frame(const Canvas& canvas, const PixelBox& box) {
  const auto paint = [&](int x, int y) {
    unsigned char* pixel = canvas.At(x, y);
    pixel[0] = 214;
    pixel[1] = 120;
    pixel[2] = 0;
  };
  for (int x = box.left; x < box.right; ++x) {
    paint(x, box.top);
    paint(x, box.bottom - 1);
  }
  for (int y = box.top; y < box.bottom; ++y) {
    paint(box.left, y);
    paint(box.right - 1, y);
  }
}

void Mark(const pdfium::Api& api, pdfium::Page page, const Canvas& canvas,
          const std::vector<domain::Box>& marks) {
  for (const auto& box : marks) {
    int x1 = 0, y1 = 0, x2 = 0, y2 = 0;
    if (api.PageToDevice(page, 0, 0, canvas.width, canvas.height, 0, box.x1, box.y1, &x1, &y1) ==
            0 ||
        api.PageToDevice(page, 0, 0, canvas.width, canvas.height, 0, box.x2, box.y2, &x2, &y2) ==
            0) {
      continue;
    }
    const PixelBox pixels = {std::clamp(std::min(x1, x2) - 1, 0, canvas.width),
                             std::clamp(std::min(y1, y2) - 1, 0, canvas.height),
                             std::clamp(std::max(x1, x2) + 1, 0, canvas.width),
                             std::clamp(std::max(y1, y2) + 1, 0, canvas.height)};
    if (pixels.left >= pixels.right || pixels.top >= pixels.bottom) continue;
    Tint(canvas, pixels);
    Frame(canvas, pixels);
  }
}

Result<RenderedPage> Draw(const pdfium::Api& api, pdfium::Page page, const RenderInput& input) {
  const double scale = input.dpi / 72;
  const double width = std::ceil(api.PageWidth(page) * scale);
  const double height = std::ceil(api.PageHeight(page) * scale);
  if (!(width >= 1 && height >= 1 && width * height <= kPixelsMax)) {
    return Fail(Code::kTooLarge,
                fmt::format("page {} is {:.0f} by {:.0f} pixels at {} dpi; at most "
                            "{:.0f} million pixels",
                            input.page, width, height, input.dpi, kPixelsMax / 1e6));
  }
  Canvas canvas{nullptr, 0, static_cast<int>(width), static_cast<int>(height)};
  const pdfium::Handle bitmap(
      api.BitmapCreate(canvas.width, canvas.height, pdfium::kBitmapBgrx, nullptr, 0),
      api.BitmapDestroy);
  if (!bitmap)
    return Fail(Code::kTooLarge, "no memory for the page's picture (kb.parse.memory_mib)");
  api.BitmapFill(bitmap.get(), 0, 0, canvas.width, canvas.height, 0xFFFFFFFF);
  api.RenderPage(bitmap.get(), page, 0, 0, canvas.width, canvas.height, 0,
                 pdfium::kRenderAnnotations | pdfium::kRenderReverseByteOrder);
  canvas.pixels = static_cast<unsigned char*>(api.BitmapBuffer(bitmap.get()));
  canvas.stride = api.BitmapStride(bitmap.get());
  Mark(api, page, canvas, input.marks);
  RenderedPage out;
  out.width = canvas.width;
  out.height = canvas.height;
  STRATA_TRY(out.png, EncodePng(canvas.pixels, canvas.stride, canvas.width, canvas.height));
  return out;
}

}  // namespace

Result<RenderedPage> RenderPage(const RenderInput& input, const ParseLimits& limits) {
  STRATA_CHECK_OK(child::CheckRender(input));
  STRATA_TRY(const pdfium::Api* api, pdfium::Load());
  STRATA_TRY(void* opened, pdfium::Open(*api, input.bytes, limits.pages_max));
  const pdfium::Handle document(opened, api->CloseDocument);
  const int pages = api->PageCount(document.get());
  if (input.page > pages) {
    return std::unexpected(
        InvalidArgument("page", fmt::format("the document has {} pages", pages)));
  }
  const pdfium::Handle page(api->LoadPage(document.get(), input.page - 1), api->ClosePage);
  if (!page) {
    return Fail(Code::kInvalidArgument, fmt::format("page {} is damaged", input.page));
  }
  STRATA_TRY(RenderedPage out, Draw(*api, page.get(), input));
  out.page_count = pages;
  return out;
}

}  // namespace strata::knowledge::pdf
