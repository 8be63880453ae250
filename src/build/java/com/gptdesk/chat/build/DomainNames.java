package com.gptdesk.chat.build;

import java.util.Locale;
import org.jooq.codegen.DefaultGeneratorStrategy;
import org.jooq.meta.Definition;
import org.jooq.meta.ManyToManyKeyDefinition;
import org.jooq.meta.TableDefinition;

/**
 * A table holds many, a value is one of them: {@code USER_MESSAGES}, {@code UserMessage}. The rows
 * of a function are records of their type: {@code MessageViewRecord}.
 */
public final class DomainNames extends DefaultGeneratorStrategy {

  @Override
  public String getJavaClassName(Definition definition, Mode mode) {
    String name = super.getJavaClassName(named(definition, mode), mode);
    return mode == Mode.POJO && definition instanceof TableDefinition && name.endsWith("s")
        ? name.substring(0, name.length() - 1)
        : name;
  }

  @Override
  public String getJavaPackageName(Definition definition, Mode mode) {
    return super.getJavaPackageName(named(definition, mode), mode);
  }

  /** A path over a table in between, which would have the name of one of its keys. */
  @Override
  public String getJavaMethodName(Definition definition, Mode mode) {
    String name = super.getJavaMethodName(definition, mode);
    return definition instanceof ManyToManyKeyDefinition
        ? "through" + name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1)
        : name;
  }

  private static Definition named(Definition definition, Mode mode) {
    return mode == Mode.RECORD && definition instanceof ChatCatalogue.Function function
        ? function.rowType()
        : definition;
  }
}
