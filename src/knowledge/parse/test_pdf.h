#pragma once
// Small PDF files written by hand, for tests: ISO 32000-1 syntax with a right cross-reference
// table.

#include <fmt/format.h>

#include <string>
#include <vector>

namespace strata::knowledge {

// One page each of 612 by 792 points; fonts F1 Times, F2 Helvetica-Bold, F3 Courier. `contents`:
// the content streams. `page_extra`: further entries of each page ("/Rotate 90").
inline std::string TestPdf(const std::vector<std::string>& contents,
                           const std::string& page_extra = "") {
  std::vector<std::string> objects;
  std::string kids;
  for (std::size_t i = 0; i < contents.size(); ++i) kids += fmt::format("{} 0 R ", 6 + 2 * i);
  objects.push_back("<< /Type /Catalog /Pages 2 0 R >>");
  objects.push_back(fmt::format("<< /Type /Pages /Kids [{}] /Count {} >>", kids, contents.size()));
  for (const char* font : {"Times-Roman", "Helvetica-Bold", "Courier"}) {
    objects.push_back(
        fmt::format("<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding "
                    "/WinAnsiEncoding >>",
                    font));
  }
  for (std::size_t i = 0; i < contents.size(); ++i) {
    objects.push_back(fmt::format(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R {} /Resources << "
        "/Font << /F1 3 0 R /F2 4 0 R /F3 5 0 R >> >> >>",
        7 + 2 * i, page_extra));
    objects.push_back(
        fmt::format("<< /Length {} >>\nstream\n{}\nendstream", contents[i].size(), contents[i]));
  }
  std::string pdf = "%PDF-1.4\n";
  std::string xref = fmt::format("xref\n0 {}\n0000000000 65535 f \n", objects.size() + 1);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    xref += fmt::format("{:010} 00000 n \n", pdf.size());
    pdf += fmt::format("{} 0 obj\n{}\nendobj\n", i + 1, objects[i]);
  }
  const std::size_t at = pdf.size();
  return pdf + xref +
         fmt::format("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{}\n%%EOF\n",
                     objects.size() + 1, at);
}

// Text at a place, in a font ("F1") and size.
inline std::string TextAt(double x, double y, const std::string& text,
                          const std::string& font = "F1", double size = 11) {
  return fmt::format("BT /{} {} Tf 1 0 0 1 {} {} Tm ({}) Tj ET\n", font, size, x, y, text);
}

}  // namespace strata::knowledge
