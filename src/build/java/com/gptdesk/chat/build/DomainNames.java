package com.gptdesk.chat.build;

import org.jooq.codegen.DefaultGeneratorStrategy;
import org.jooq.meta.Definition;
import org.jooq.meta.TableDefinition;

/** A table holds many, a row is one of them: {@code USER_MESSAGES}, {@code UserMessage}. */
public final class DomainNames extends DefaultGeneratorStrategy {

  @Override
  public String getJavaClassName(Definition definition, Mode mode) {
    if (definition instanceof TableDefinition table && !table.isTableValuedFunction()) {
      String many = super.getJavaClassName(definition, Mode.DEFAULT);
      String one = many.endsWith("s") ? many.substring(0, many.length() - 1) : many;
      switch (mode) {
        case POJO:
          return one;
        case RECORD:
          return one + "Record";
        default:
          break;
      }
    }
    return super.getJavaClassName(definition, mode);
  }
}
