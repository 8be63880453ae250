package com.gptdesk.chat.service.query;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The operators of a filter. Each carries the constant SQL of its condition, in which {@code {0}}
 * is the column and {@code {1}} the value.
 */
public enum Operator {
  EQ("=", Operand.VALUE, true),
  NEQ("<>", Operand.VALUE, false),
  GT(">", Operand.VALUE, true),
  GTE(">=", Operand.VALUE, true),
  LT("<", Operand.VALUE, true),
  LTE("<=", Operand.VALUE, true),
  LIKE("like", Operand.PATTERN, true),
  ILIKE("ilike", Operand.PATTERN, true),
  MATCH("~", Operand.EXPRESSION, true),
  IMATCH("~*", Operand.EXPRESSION, true),
  IN("=", Operand.LIST, false),
  IS("is", Operand.TRUTH, false),
  ISDISTINCT("is distinct from", Operand.VALUE, false),
  CS("@>", Operand.VALUE, false),
  CD("<@", Operand.VALUE, false),
  OV("&&", Operand.VALUE, false),
  SL("<<", Operand.VALUE, false),
  SR(">>", Operand.VALUE, false),
  NXR("&<", Operand.VALUE, false),
  NXL("&>", Operand.VALUE, false),
  ADJ("-|-", Operand.VALUE, false),
  FTS("to_tsquery", Operand.SEARCH, false),
  PLFTS("plainto_tsquery", Operand.SEARCH, false),
  PHFTS("phraseto_tsquery", Operand.SEARCH, false),
  WFTS("websearch_to_tsquery", Operand.SEARCH, false);

  /** What stands behind the operator. */
  public enum Operand {
    /** A text of the column's type. */
    VALUE,
    /** A pattern with percent signs or stars. */
    PATTERN,
    /** A regular expression. */
    EXPRESSION,
    /** Values of the column's type, in parentheses. */
    LIST,
    /** {@code null}, {@code not_null}, {@code true}, {@code false} or {@code unknown}. */
    TRUTH,
    /** What is searched for, perhaps in a language. */
    SEARCH
  }

  private static final Map<String, Operator> BY_WORD =
      Arrays.stream(values()).collect(Collectors.toMap(Operator::word, Function.identity()));

  private final String sql;
  private final Operand operand;
  private final boolean quantified;

  Operator(String sql, Operand operand, boolean quantified) {
    this.sql = sql;
    this.operand = operand;
    this.quantified = quantified;
  }

  /** The operator of that word; null for none. */
  public static @Nullable Operator of(String word) {
    return BY_WORD.get(word);
  }

  /** As a client writes it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** PostgreSQL's operator, or the function that makes a search of a text. */
  public String sql() {
    return sql;
  }

  public Operand operand() {
    return operand;
  }

  /** Whether {@code any} and {@code all} may follow it. */
  public boolean isQuantified() {
    return quantified;
  }
}
