"use strict";
// Swagger UI's own words in Chinese. It has no translations, so its text nodes are exchanged, one whole text at a time.

window.Words = (() => {
  const CHINESE = {
    "Authorize": "填令牌", "Available authorizations": "令牌", "Authorized": "已填", "Logout": "清除", "Close": "关闭",
    "Value:": "令牌：", "Try it out": "试一试", "Cancel": "取消", "Reset": "复原", "Execute": "发送", "Clear": "清空",
    "Parameters": "参数", "No parameters": "没有参数", "Name": "名称", "Description": "说明", "Request body": "请求体",
    "Responses": "响应", "Response": "响应", "Response body": "响应体", "Response headers": "响应头", "Response content type": "响应类型",
    "Server response": "服务器的响应", "Request URL": "请求地址", "Request duration": "用时", "Code": "状态码", "Details": "内容",
    "Links": "链接", "No links": "无", "Media type": "媒体类型", "Example Value": "示例", "Example": "示例", "Examples": "示例", "Examples:": "示例：",
    "Schema": "结构", "Schemas": "数据结构", "Servers": "服务器", "Headers:": "响应头：", "Type": "类型", "required": "必填",
    "Controls ": "由 ", "Accept": "Accept", " header.": " 请求头决定。", "Download": "下载", "Loading...": "正在加载",
    "Filter by tag or path": "按分组或路径筛选", "Expand all": "全部展开", "Collapse all": "全部收起", "Undocumented": "未列出", "Send empty value": "发送空值",
    "Copied": "已复制", "Copy": "复制", "Samples": "示例代码", "About": "简介",
  };
  const chinese = document.documentElement.lang === "zh-CN";
  const say = (word) => (chinese && CHINESE[word]) || word;

  function exchange(node) {
    if (node.nodeType === Node.TEXT_NODE) {
      const code = node.parentElement && node.parentElement.closest("pre, code, textarea, .microlight");
      const word = [node.nodeValue, node.nodeValue.trim()].find((each) => Object.hasOwn(CHINESE, each));
      if (!code && word !== undefined) node.nodeValue = CHINESE[word];
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      if (Object.hasOwn(CHINESE, node.placeholder || "")) node.placeholder = CHINESE[node.placeholder];
      node.childNodes.forEach(exchange);
    }
  }

  function watch(element) {
    if (!chinese) return;
    new MutationObserver((changes) => changes.forEach((change) => {
      if (change.type === "characterData") exchange(change.target);
      change.addedNodes.forEach(exchange);
    })).observe(element, { childList: true, characterData: true, subtree: true });
  }
  return { say, watch };
})();
