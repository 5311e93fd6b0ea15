def postfix_cases(bench, filters):
    return []
