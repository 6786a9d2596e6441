#pragma once
// The part of PDFium's C interface that strata uses, declared by hand because the binary comes
// without headers. Every signature was checked against the bindings that accompany build 8149
// (fpdfview.h, fpdf_text.h, fpdf_edit.h, fpdf_doc.h). Loaded at run time, so that only the child
// process maps it. PDFium is not thread-safe: one process, one thread.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace strata::knowledge::pdfium {

using Document = void*;
using Page = void*;
using TextPage = void*;
using PageObject = void*;
using PathSegment = void*;
using Bitmap = void*;
using Bool = int;

struct LibraryConfig {
  int version = 2;
  const char** user_font_paths = nullptr;
  void* isolate = nullptr;
  unsigned v8_embedder_slot = 0;
};

struct RectF {  // FS_RECTF
  float left = 0, top = 0, right = 0, bottom = 0;
};

struct Matrix {  // FS_MATRIX
  float a = 1, b = 0, c = 0, d = 1, e = 0, f = 0;
};

// Values of FPDF_GetLastError.
inline constexpr unsigned long kErrorPassword = 4;
inline constexpr unsigned long kErrorSecurity = 5;

inline constexpr int kObjectPath = 2, kObjectImage = 3, kObjectForm = 5;
inline constexpr int kSegmentBezier = 1, kSegmentMove = 2;
inline constexpr int kBitmapBgrx = 3;
inline constexpr int kRenderAnnotations = 0x01, kRenderReverseByteOrder = 0x10;

// X(member, C name, return type, parameters)
#define STRATA_PDFIUM_FUNCTIONS(X)                                                                \
  X(Init, FPDF_InitLibraryWithConfig, void, (const LibraryConfig*))                               \
  X(LoadMemory, FPDF_LoadMemDocument64, Document, (const void*, std::size_t, const char*))        \
  X(CloseDocument, FPDF_CloseDocument, void, (Document))                                          \
  X(LastError, FPDF_GetLastError, unsigned long, ())                                              \
  X(PageCount, FPDF_GetPageCount, int, (Document))                                                \
  X(LoadPage, FPDF_LoadPage, Page, (Document, int))                                               \
  X(ClosePage, FPDF_ClosePage, void, (Page))                                                      \
  X(PageWidth, FPDF_GetPageWidthF, float, (Page))                                                 \
  X(PageHeight, FPDF_GetPageHeightF, float, (Page))                                               \
  X(PageRotation, FPDFPage_GetRotation, int, (Page))                                              \
  X(PageBounds, FPDF_GetPageBoundingBox, Bool, (Page, RectF*))                                    \
  X(MetaText, FPDF_GetMetaText, unsigned long, (Document, const char*, void*, unsigned long))     \
  X(Language, FPDFCatalog_GetLanguage, unsigned long, (Document, unsigned short*, unsigned long)) \
  X(LoadText, FPDFText_LoadPage, TextPage, (Page))                                                \
  X(CloseText, FPDFText_ClosePage, void, (TextPage))                                              \
  X(CharCount, FPDFText_CountChars, int, (TextPage))                                              \
  X(CharUnicode, FPDFText_GetUnicode, unsigned, (TextPage, int))                                  \
  X(CharIsGenerated, FPDFText_IsGenerated, int, (TextPage, int))                                  \
  X(CharIsHyphen, FPDFText_IsHyphen, int, (TextPage, int))                                        \
  X(CharMapError, FPDFText_HasUnicodeMapError, int, (TextPage, int))                              \
  X(CharFontSize, FPDFText_GetFontSize, double, (TextPage, int))                                  \
  X(CharFontInfo, FPDFText_GetFontInfo, unsigned long,                                            \
    (TextPage, int, void*, unsigned long, int*))                                                  \
  X(CharFontWeight, FPDFText_GetFontWeight, int, (TextPage, int))                                 \
  X(CharAngle, FPDFText_GetCharAngle, float, (TextPage, int))                                     \
  X(CharMatrix, FPDFText_GetMatrix, Bool, (TextPage, int, Matrix*))                               \
  X(CharLooseBox, FPDFText_GetLooseCharBox, Bool, (TextPage, int, RectF*))                        \
  X(CharBox, FPDFText_GetCharBox, Bool, (TextPage, int, double*, double*, double*, double*))      \
  X(CharOrigin, FPDFText_GetCharOrigin, Bool, (TextPage, int, double*, double*))                  \
  X(CharObject, FPDFText_GetTextObject, PageObject, (TextPage, int))                              \
  X(ObjectCount, FPDFPage_CountObjects, int, (Page))                                              \
  X(Object, FPDFPage_GetObject, PageObject, (Page, int))                                          \
  X(ObjectType, FPDFPageObj_GetType, int, (PageObject))                                           \
  X(ObjectBounds, FPDFPageObj_GetBounds, Bool, (PageObject, float*, float*, float*, float*))      \
  X(ObjectMatrix, FPDFPageObj_GetMatrix, Bool, (PageObject, Matrix*))                             \
  X(PathDrawMode, FPDFPath_GetDrawMode, Bool, (PageObject, int*, Bool*))                          \
  X(PathSegmentCount, FPDFPath_CountSegments, int, (PageObject))                                  \
  X(PathSegmentAt, FPDFPath_GetPathSegment, PathSegment, (PageObject, int))                       \
  X(SegmentPoint, FPDFPathSegment_GetPoint, Bool, (PathSegment, float*, float*))                  \
  X(SegmentType, FPDFPathSegment_GetType, int, (PathSegment))                                     \
  X(SegmentClose, FPDFPathSegment_GetClose, Bool, (PathSegment))                                  \
  X(FormObjectCount, FPDFFormObj_CountObjects, int, (PageObject))                                 \
  X(FormObject, FPDFFormObj_GetObject, PageObject, (PageObject, unsigned long))                   \
  X(BitmapCreate, FPDFBitmap_CreateEx, Bitmap, (int, int, int, void*, int))                       \
  X(BitmapDestroy, FPDFBitmap_Destroy, void, (Bitmap))                                            \
  X(BitmapFill, FPDFBitmap_FillRect, Bool, (Bitmap, int, int, int, int, unsigned long))           \
  X(BitmapBuffer, FPDFBitmap_GetBuffer, void*, (Bitmap))                                          \
  X(BitmapStride, FPDFBitmap_GetStride, int, (Bitmap))                                            \
  X(RenderPage, FPDF_RenderPageBitmap, void, (Bitmap, Page, int, int, int, int, int, int))        \
  X(PageToDevice, FPDF_PageToDevice, Bool,                                                        \
    (Page, int, int, int, int, int, double, double, int*, int*))

struct Api {
#define STRATA_PDFIUM_MEMBER(member, name, result, parameters) result(*member) parameters = nullptr;
  STRATA_PDFIUM_FUNCTIONS(STRATA_PDFIUM_MEMBER)
#undef STRATA_PDFIUM_MEMBER
};

// Loads and initialises the library on first use. Looked for as STRATA_PDFIUM in the environment,
// beside the executable, in ../lib/strata of it, and where the build found it.
// Errors: kUnavailable, naming the places, or the function that the library lacks.
Result<const Api*> Load();

// Handles that close themselves.
class Handle {
 public:
  Handle(void* handle, void (*close)(void*)) : handle_(handle), close_(close) {}
  ~Handle() {
    if (handle_ != nullptr) close_(handle_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  void* get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  void* handle_;
  void (*close_)(void*);
};

// Opens a document; `bytes` outlive it. kInvalidArgument with the reason: not a PDF, truncated,
// encrypted; kTooLarge for more than `pages_max` pages.
Result<Document> Open(const Api& api, std::string_view bytes, int pages_max);

// An information dictionary entry ("Title") as UTF-8, "" when there is none.
std::string MetaText(const Api& api, Document document, const char* key);

}  // namespace strata::knowledge::pdfium
