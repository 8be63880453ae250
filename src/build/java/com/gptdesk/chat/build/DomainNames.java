package com.gptdesk.chat.build;

import org.jooq.codegen.DefaultGeneratorStrategy;
import org.jooq.meta.Definition;
import org.jooq.meta.TableDefinition;

/** A table holds many, a value is one of them: {@code USER_MESSAGES}, {@code UserMessage}. */
public final class DomainNames extends DefaultGeneratorStrategy {

  @Override
  public String getJavaClassName(Definition definition, Mode mode) {
    String name = super.getJavaClassName(definition, mode);
    return mode == Mode.POJO && definition instanceof TableDefinition && name.endsWith("s")
        ? name.substring(0, name.length() - 1)
        : name;
  }
}
