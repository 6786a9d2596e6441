#pragma once
// Lines in reading order to blocks: paragraphs, list items, headings, code, tables.

#include <vector>

#include "domain/document.h"
#include "knowledge/parse/pdf/lines.h"
#include "knowledge/parse/pdf/tables.h"

namespace strata::knowledge::pdf {

struct Block {
  domain::BlockType type = domain::BlockType::kParagraph;
  int level = 0;
  std::vector<Line> lines;    // not of tables
  Table table;                // of kTable
  float left = 0, right = 0;  // of the column it stands in, as far as its lines show it
  bool starts_column = false;
};

// Blocks of one page from its lines (running ones left out) and ruled tables. Types are paragraph,
// list item, code and table; headings need the whole document (FindHeadings).
std::vector<Block> PageBlocks(const PageText& page, std::vector<Line> lines,
                              std::vector<Table> tables);

// Joins what a column or page break cut, and gives headings and captions their types, levels by
// font size.
void FinishBlocks(std::vector<Block>& blocks);

// The text that stands largest on the first page that has any, when it is larger than the body;
// else
// "". After FinishBlocks.
std::string TitleOf(const std::vector<Block>& blocks);

}  // namespace strata::knowledge::pdf
